// Follows the lines of docs/sdks.md. What is queued goes in order; what is sent at once does not wait for another.
const distinctId = process.env.SDK_USER;
const hoursAgo = (hours) => new Date(Date.now() - hours * 3_600_000);
await Promise.all([
  analytics.captureImmediate({ distinctId, event: "Started", timestamp: hoursAgo(2) }),
  analytics.captureImmediate({ distinctId, event: "Converted", timestamp: hoursAgo(1) }),
]);
await analytics.shutdown();
