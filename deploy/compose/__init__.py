"""What docker-compose.yml runs beside the services: the database's set-up, the health check and the demo's phone."""
