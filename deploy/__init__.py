"""What an operator or a developer runs around the services."""
