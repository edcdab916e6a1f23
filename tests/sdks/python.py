# Follows the lines of docs/sdks.md, whose `analytics` it uses: Segment's and RudderStack's are called alike.

user = os.environ["SDK_USER"]
note = "a\0b"
analytics.identify(user, {"email": "ada@sdk.test", "note": note})
for n in (1, 2):
    analytics.track(user, "Order Placed", {"n": n, "note": note})
analytics.flush()
for n in (3, 4):
    analytics.track(user, "Order Placed", {"n": n, "note": note})
analytics.page(user, name="Home")
analytics.screen(user, name="Home")
analytics.group(user, "acme", {"name": "Ac\0me"})
analytics.alias("before", user)
analytics.track(user, "Odd\0Name", {"ke\0y": [note, {"note": note}]})
analytics.flush()
analytics.track(user, "Done", {"note": note})
analytics.flush()
analytics.shutdown()
