"""What notify does: plan, send, take receipts and replies, and show the desk what became of each text."""
