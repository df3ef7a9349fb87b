"""What `stillpoint doctor` looks at; each module looks at one neighbour and only ever reads."""
