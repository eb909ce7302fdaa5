"""What every part of the page shares: the data contract, words, names and titles."""
