"""A private RabbitMQ and MongoDB on loopback, for `make run` and the tests, without Docker."""
