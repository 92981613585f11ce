"""XLSX files as rows of texts: streamed, and in bounds whatever they claim."""
