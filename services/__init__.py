"""Three services of one shape: booking, screening and notify."""
