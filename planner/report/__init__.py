"""The report on a file of queues, as Markdown and as one page."""
