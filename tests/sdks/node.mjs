// Follows the lines of docs/sdks.md, whose `analytics` it uses.
const userId = process.env.SDK_USER;
const note = "a\u0000b";
analytics.identify({ userId, traits: { email: "ada@sdk.test", note } });
for (const n of [1, 2]) analytics.track({ userId, event: "Order Placed", properties: { n, note } });
await analytics.flush();
for (const n of [3, 4]) analytics.track({ userId, event: "Order Placed", properties: { n, note } });
analytics.page({ userId, name: "Home" });
analytics.screen({ userId, name: "Home" });
analytics.group({ userId, groupId: "acme", traits: { name: "Ac\u0000me" } });
analytics.alias({ userId, previousId: "before" });
analytics.track({ userId, event: "Odd\u0000Name", properties: { "ke\u0000y": [note, { note }] } });
await analytics.flush();
analytics.track({ userId, event: "Done", properties: { note } });
// Segment closes what it holds; RudderStack keeps a timer, and would not let the process end.
await (analytics.closeAndFlush?.() ?? analytics.flush());
process.exit(0);
