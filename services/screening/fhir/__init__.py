"""FHIR R4B, for other systems: the form, its cases and a client's export go out; a foreign Questionnaire comes in."""
