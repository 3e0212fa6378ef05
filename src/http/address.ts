/** Groups of 16 bits in an IPv6 address, and in the network that one customer of a provider usually has (/64). */
const GROUPS = 8;
const NETWORK_GROUPS = 4;
/** Characters that are kept of a text that is no address. The longest address has 45. */
const MAX_LENGTH = 64;

/**
 * What the requests of an address are counted under. An IPv6 address counts under its /64, because whoever has one has
 * all of its 2^64 addresses; an IPv4-mapped one (`::ffff:192.0.2.1`) counts as the IPv4 address. Any other text is
 * itself.
 */
export function networkOf(address: string): string {
  const bare = address.slice(0, MAX_LENGTH).trim().toLowerCase();
  const groups = bare.includes(":") ? groupsOf(bare) : undefined;
  if (groups === undefined) return bare;
  if (isMapped(groups)) return groups.slice(-2).flatMap(bytesOf).join(".");
  return `${groups.slice(0, NETWORK_GROUPS).join(":")}::/64`;
}

/** The groups of an IPv6 address as hex without leading zeros; undefined for any other text. */
function groupsOf(text: string): string[] | undefined {
  const [withoutZone = ""] = text.split("%");
  // URLs print an address in its shortest form.
  const url = /^[\da-f:.]+$/.test(withoutZone) ? URL.parse(`http://[${withoutZone}]/`) : null;
  if (url === null) return undefined;
  const [before = [], after = []] = url.hostname
    .slice(1, -1)
    .split("::")
    .map((half) => half.split(":").filter(Boolean));
  return [...before, ...Array<string>(GROUPS - before.length - after.length).fill("0"), ...after];
}

const isMapped = (groups: readonly string[]): boolean => groups.slice(0, 6).join(":") === "0:0:0:0:0:ffff";

function bytesOf(group: string): number[] {
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
}
