"""The rules of texting: pure functions of facts and time."""
