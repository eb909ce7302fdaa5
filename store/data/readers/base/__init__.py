"""What every reader needs: the options, the collector of problems, what reading gives."""
