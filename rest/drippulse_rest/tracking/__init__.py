"""Public links in mails: the open pixel, click redirects, unsubscribe."""
