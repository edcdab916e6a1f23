// Follows the lines of docs/sdks.md, whose `analytics` it uses.
const distinctId = process.env.SDK_USER;
const note = "a\u0000b";
analytics.identify({ distinctId, properties: { email: "ada@sdk.test", note, $anon_distinct_id: "before" } });
for (const n of [1, 2]) analytics.capture({ distinctId, event: "Order Placed", properties: { n, note } });
await analytics.flush();
for (const n of [3, 4]) analytics.capture({ distinctId, event: "Order Placed", properties: { n, note } });
analytics.capture({ distinctId, event: "$pageview", properties: { $current_url: "https://acme.example/" } });
analytics.capture({ distinctId, event: "$screen", properties: { $screen_name: "Home" } });
analytics.groupIdentify({ groupType: "company", groupKey: "acme", properties: { name: "Ac\u0000me" }, distinctId });
analytics.alias({ distinctId, alias: "before" });
analytics.capture({ distinctId, event: "Odd\u0000Name", properties: { "ke\u0000y": [note, { note }] } });
await analytics.flush();
analytics.capture({ distinctId, event: "Done", properties: { note } });
await analytics.shutdown();
