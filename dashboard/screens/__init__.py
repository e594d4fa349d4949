"""The screens of the dashboard, each with `show(page)`."""
