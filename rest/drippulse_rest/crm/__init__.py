"""`/crm`: records, their pipelines, their history, moving them in and out."""
