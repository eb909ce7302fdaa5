"""How compiled code is compiled and spread over threads, for every room of the profiler."""
