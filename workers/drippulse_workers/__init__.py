"""Workers: the Dramatiq broker and actors, the worker process, the scheduler."""
