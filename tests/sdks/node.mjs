// Follows the lines of docs/sdks.md, whose `analytics` it uses.
const userId = process.env.SDK_USER;
const note = "a\u0000b";
analytics.identify({ userId, traits: { email: "ada@sdk.test", note } });
for (const n of [1, 2]) analytics.track({ userId, event: "Order Placed", properties: { n, note } });
await analytics.flush();
for (const n of [3, 4]) analytics.track({ userId, event: "Order Placed", properties: { n, note } });
analytics.page({ userId, name: "Home" });
analytics.screen({ userId, name: "Home" });
analytics.group({ userId, groupId: "acme", traits: { name: "Acme" } });
analytics.alias({ userId, previousId: "before" });
await analytics.flush();
analytics.track({ userId, event: "Done" });
// Segment closes what it holds; RudderStack keeps a timer, and would not let the process end.
await (analytics.closeAndFlush?.() ?? analytics.flush());
process.exit(0);
