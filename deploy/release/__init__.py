"""What is handed out as a release: one archive to run from, a bill of its materials, and their checksums."""
