"""What the three services share: the event contracts and thin kits for I/O; nothing here knows a service."""
