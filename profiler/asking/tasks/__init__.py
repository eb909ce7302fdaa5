"""What a language model is asked for; each task is one module, named in :data:`TASKS`."""
