// The clock of the machine is off by so many hours.
const RightDate = Date;
const now = () => RightDate.now() + Number(process.env.SDK_HOURS) * 3_600_000;
globalThis.Date = class extends RightDate {
  constructor(...parts) {
    super(...(parts.length ? parts : [now()]));
  }
  static now = now;
};
