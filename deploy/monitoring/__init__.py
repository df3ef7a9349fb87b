"""What watches an installation: metrics of what no service can see of itself, rules, alerts and dashboards."""
