"""What changes as data grow: versions of the data set, and interests that stay themselves."""
