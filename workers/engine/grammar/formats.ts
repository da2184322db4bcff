// The formats of strings that JSON schemas name, as patterns: narrower than the standards, so that every reader takes them.
// Source: json-schema.org, validation, section 7.3; RFC 3339, 4122, 2673, 5321.

const YEAR = "(19|20)[0-9]{2}";
const DAY = `${YEAR}-((01|03|05|07|08|10|12)-(0[1-9]|[12][0-9]|3[01])|(04|06|09|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))`;
const TIME = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,3})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])";
const LABEL = "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?";
const HOST = `${LABEL}(\\.${LABEL}){1,3}`;
const BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";

/** Patterns of whole strings by the name of their format. */
export const FORMATS: Readonly<Record<string, string>> = {
  date: DAY,
  time: TIME,
  "date-time": `${DAY}T${TIME}`,
  uuid: "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
  email: `[a-z0-9]+([._+-][a-z0-9]+){0,3}@${HOST}`,
  hostname: HOST,
  ipv4: `${BYTE}\\.${BYTE}\\.${BYTE}\\.${BYTE}`,
  uri: `https?://${HOST}(/[A-Za-z0-9._~-]*){0,6}(\\?[A-Za-z0-9._~=&-]*)?`,
};
