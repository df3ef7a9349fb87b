"""The command line of whoever runs the installation: `stillpoint`, everything in one place and one manner."""
