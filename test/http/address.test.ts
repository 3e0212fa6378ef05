import { describe, expect, it } from "vitest";
import { networkOf } from "../../src/http/address.ts";

describe("an address is counted under", () => {
  it.each([
    ["itself, when it is IPv4", "192.0.2.1", "192.0.2.1"],
    ["its /64, when it is IPv6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["the same /64, written in capitals", "2001:DB8:1:2:A:B:C:D", "2001:db8:1:2::/64"],
    ["the same /64, written with zeros", "2001:0db8:0001:0002:0000:0000:0000:0001", "2001:db8:1:2::/64"],
    ["the same /64, shortened behind it", "2001:db8:1:2::1", "2001:db8:1:2::/64"],
    ["a /64 that is shortened itself", "2001:db8::1", "2001:db8:0:0::/64"],
    ["a /64 whose last groups are shortened", "2001:db8:1::5:6:7:8", "2001:db8:1:0::/64"],
    ["a /64 that begins with zeros", "::2:3:4:5:6", "0:0:0:2::/64"],
    ["its /64, when it ends with zeros", "2001:db8:1:2:3:4:5::", "2001:db8:1:2::/64"],
    ["its /64, without its zone", "fe80::1%eth0", "fe80:0:0:0::/64"],
    ["the loopback's /64", "::1", "0:0:0:0::/64"],
    ["the IPv4 address that is mapped into it", "::ffff:192.0.2.1", "192.0.2.1"],
    ["the same, in hex and capitals", "::FFFF:C000:0201", "192.0.2.1"],
    ["the same, written in full", "0:0:0:0:0:ffff:c000:201", "192.0.2.1"],
    ["its /64, where ffff stands elsewhere", "::ffff:0:c000:201", "0:0:0:0::/64"],
    ["its /64, with IPv4 at its end", "64:ff9b:1:2::192.0.2.1", "64:ff9b:1:2::/64"],
    ["itself without white space", " 192.0.2.1 ", "192.0.2.1"],
    ["the text, when it is no address", "1::2::3", "1::2::3"],
    ["the text, when a URL would read more into it", "::1]:80/[::2", "::1]:80/[::2"],
    ["the text, when it is empty", "", ""],
  ])("%s", (_, address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it("its beginning, when it is longer than any address", () => {
    expect(networkOf("x".repeat(100_000))).toHaveLength(64);
    expect(networkOf(`2001:db8:1:2::1%${"x".repeat(100_000)}`)).toBe("2001:db8:1:2::/64");
  });
});
