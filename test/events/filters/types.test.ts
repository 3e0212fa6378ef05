import { describe, expect, it } from "vitest";
import { eventGroups } from "../../../src/catalogue/data.ts";
import { aPerson } from "../../support/people.ts";
import { anEvent, messages, query, recorded } from "../../support/world.ts";

const project = "project_creation_succeeded";
const customer = "customer_creation_succeeded";

describe("the list by event_type and feature", () => {
  const world = () =>
    recorded(
      anEvent({ message: "project", eventType: project }),
      anEvent({ message: "customer", eventType: customer }),
      anEvent({ message: "unknown", eventType: "a_type_of_tomorrow" }),
      anEvent({ message: "odd", eventType: 'it\'s, "odd"' }),
    );
  const all = ["project", "customer", "unknown", "odd"];

  it.each<[what: string, pairs: [string, string][], expected: string[]]>([
    ["neither: everything", [], all],
    ["one type", [["event_type", project]], ["project"]],
    [
      "several types: any of them",
      [
        ["event_type", customer],
        ["event_type", project],
      ],
      ["project", "customer"],
    ],
    ["a type given twice", Array(2).fill(["event_type", project]), ["project"]],
    ["a type the catalogue does not know", [["event_type", "a_type_of_tomorrow"]], ["unknown"]],
    [
      "a known and an unknown type",
      [
        ["event_type", "a_type_of_tomorrow"],
        ["event_type", project],
      ],
      ["project", "unknown"],
    ],
    ["a type with quotes and commas", [["event_type", 'it\'s, "odd"']], ["odd"]],
    ["a type nobody ever saw", [["event_type", "never"]], []],
    [
      "a type nobody ever saw, and a text of the message: nothing",
      [
        ["event_type", "never"],
        ["message", "project"],
      ],
      [],
    ],
    ["a type in another case", [["event_type", project.toUpperCase()]], []],
    ["a type with a blank: not trimmed", [["event_type", ` ${project}`]], []],
    ["a known type that never happened", [["event_type", "project_deletion_succeeded"]], []],
    ["two types by comma: no such form", [["event_type", `${project},${customer}`]], []],
    ["an empty type: nothing", [["event_type", ""]], []],
    [
      "an empty type beside another",
      [
        ["event_type", ""],
        ["event_type", project],
      ],
      ["project"],
    ],
    ["a type that is a name of Object's own", [["event_type", "__proto__"]], []],
    ["the number of a type", [["event_type", "1"]], []],
    ["a group", [["feature", "projects"]], ["project"]],
    [
      "several groups: their union",
      [
        ["feature", "projects"],
        ["feature", "customers"],
      ],
      ["project", "customer"],
    ],
    [
      "an unknown group beside another: adds nothing",
      [
        ["feature", "nothing"],
        ["feature", "customers"],
      ],
      ["customer"],
    ],
    ["only unknown groups: nothing", [["feature", "nothing"]], []],
    ["an empty group: nothing", [["feature", ""]], []],
    ["a group with a blank: not trimmed", [["feature", "projects "]], []],
    ["groups by comma: no such form", [["feature", "projects,customers"]], []],
    [
      "groups that are names of Object's own",
      [
        ["feature", "constructor"],
        ["feature", "__proto__"],
        ["feature", "toString"],
      ],
      [],
    ],
    [
      "a group and a type of it",
      [
        ["feature", "projects"],
        ["event_type", project],
      ],
      ["project"],
    ],
    [
      "a group and a type of another: nothing",
      [
        ["feature", "projects"],
        ["event_type", customer],
      ],
      [],
    ],
    [
      "a group and a type of no group: nothing",
      [
        ["feature", "projects"],
        ["event_type", "a_type_of_tomorrow"],
      ],
      [],
    ],
    [
      "a group and an empty type: nothing",
      [
        ["feature", "projects"],
        ["event_type", ""],
      ],
      [],
    ],
    [
      "an unknown group and a type: nothing",
      [
        ["feature", "nothing"],
        ["event_type", project],
      ],
      [],
    ],
    [
      "names of filters that are gone: ignored",
      [
        ["exclude_features", "projects"],
        ["scope_type", "structure.customer"],
        ["exclude_event_type", project],
      ],
      all,
    ],
  ])("has what is asked for by %s", async (_what, pairs, expected) => {
    const { token } = await aPerson({ staff: true });
    await world();

    expect(await messages(token, query(...pairs, ["o", "created"]))).toEqual(expected);
  });

  it.each([
    ["event_type", "known", "customer_update_succeeded", project, ["project"]],
    ["event_type", "unknown", "x", "a_type_of_tomorrow", ["unknown"]],
    ["feature", "known", "customers", "projects", ["project", "customer"]],
    ["feature", "unknown", "x", "projects", ["project"]],
  ])(
    "has what is asked for by the last of 1000 values of %s, most of them %s",
    async (parameter, _kind, filler, last, expected) => {
      const { token } = await aPerson({ staff: true });
      await world();
      const fillers = Array.from({ length: 999 }, (_, index): [string, string] => [
        parameter,
        filler === "x" ? `x${index}` : filler,
      ]);

      expect(await messages(token, query(...fillers, [parameter, last], ["o", "created"]))).toEqual(expected);
    },
  );

  it("has what is asked for by all types of all groups at once, by name and by group", async () => {
    const { token } = await aPerson({ staff: true });
    await world();
    const types = Object.values(eventGroups)
      .flat()
      .map((type): [string, string] => ["event_type", type]);
    const groups = Object.keys(eventGroups).map((group): [string, string] => ["feature", group]);

    expect(await messages(token, query(...types, ...groups, ["o", "created"]))).toEqual(["project", "customer"]);
  });
});
