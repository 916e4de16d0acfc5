"""What operators see: metrics for Prometheus and OpenTelemetry, and spans. Never an argument, never a secret."""
