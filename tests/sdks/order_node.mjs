// Follows the lines of docs/sdks.md. "Started" goes in a batch that is full, which is refused; "Converted" in the next
// one, which the library sends meanwhile.
const userId = process.env.SDK_USER;
const hoursAgo = (hours) => new Date(Date.now() - hours * 3_600_000);
const said = [];
const say = (event, at) => said.push(new Promise((resolve) => { analytics.track({ userId, event, timestamp: at, originalTimestamp: at }, resolve); }));
say("Started", hoursAgo(2));
for (let n = 0; n < 19; n++) say("Filler", hoursAgo(2));
say("Converted", hoursAgo(1));
await analytics.closeAndFlush?.();
await Promise.all(said);
process.exit(0);
