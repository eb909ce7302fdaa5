"""The adapters: one module for each way to call a model, named in ``profiler.llm.registry``."""
