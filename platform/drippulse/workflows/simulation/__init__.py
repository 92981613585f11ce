"""What a workflow would do with many contacts over months, on a clock of its own: nothing is sent or written."""
