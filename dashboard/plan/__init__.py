"""What-if and Forecast: plans on the screen, answered by the planner."""
