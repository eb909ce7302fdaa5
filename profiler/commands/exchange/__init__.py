"""Commands that take questions out and bring answers and interests in."""
