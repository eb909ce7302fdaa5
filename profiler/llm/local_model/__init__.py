"""Model files of one's own: which file it is, and the process of llama.cpp that runs it."""
