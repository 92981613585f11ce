"""The API description: generated from the routes, committed beside this file's package."""
