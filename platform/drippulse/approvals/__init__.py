"""Approvals: a run waits until somebody who may decide says yes or no."""
