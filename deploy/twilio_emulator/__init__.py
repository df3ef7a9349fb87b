"""Twilio's wire protocol on loopback: texts are taken, carried to a phone in the browser, and answered."""
