"""The rules of booking as pure functions: the practice, its calendar, what is free, and the life of a visit."""
