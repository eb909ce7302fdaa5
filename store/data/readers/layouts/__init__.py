"""Published data sets: one module for each layout of files, with its reader."""
