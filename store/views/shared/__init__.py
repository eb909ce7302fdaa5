"""What several look-ups need: typed rows and names near to a name."""
