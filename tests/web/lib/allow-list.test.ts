// The list of sites that may show Cria: what it allows, what it refuses, and that a typo opens no door.
import { describe, expect, it } from "vitest";
import { allowsModel, frameAncestors, readAllowList, siteOf, type Site } from "../../../web/lib/allow-list.ts";

const site = (origin: string, more: Partial<Site> = {}): Site => ({ origin, models: ["*"], budgetTokens: null, ...more });

describe("the list of sites", () => {
  it("is read field by field", () => {
    const sites = [{ origin: "https://shop.example", models: ["smollm2-135m-instruct"], budgetTokens: 20_000 }];
    expect(readAllowList({ sites })).toEqual(sites);
    expect(readAllowList({ sites: [{ origin: "*", models: ["*"] }] })).toEqual([site("*")]);
  });

  it.each([
    ["nothing", null],
    ["no list", { sites: {} }],
    ["another field", { sites: [], site: [] }],
    ["an origin with a path", { sites: [{ origin: "https://shop.example/", models: ["*"] }] }],
    ["an origin without a scheme", { sites: [{ origin: "shop.example", models: ["*"] }] }],
    ["a wildcard in the middle", { sites: [{ origin: "https://shop.*.example", models: ["*"] }] }],
    ["an origin that ends the directive", { sites: [{ origin: "https://a.example; script-src *", models: ["*"] }] }],
    ["no models", { sites: [{ origin: "*" }] }],
    ["a wildcard in the middle of a model", { sites: [{ origin: "*", models: ["a*b"] }] }],
    ["a budget of nothing", { sites: [{ origin: "*", models: ["*"], budgetTokens: 0 }] }],
    ["a misspelt field", { sites: [{ origin: "*", models: ["*"], budgetToken: 5 }] }],
  ])("is refused with %s", (_, file) => {
    expect(() => readAllowList(file)).toThrow("In the list of sites");
  });

  it.each([
    ["*", "https://any.example", true],
    ["*", "null", true],
    ["https://shop.example", "https://shop.example", true],
    ["https://shop.example", "http://shop.example", false],
    ["https://shop.example", "https://shop.example:8443", false],
    ["https://shop.example", "https://evil-shop.example", false],
    ["https://*.shop.example", "https://www.shop.example", true],
    ["https://*.shop.example", "https://a.b.shop.example", true],
    ["https://*.shop.example", "https://shop.example", false],
    ["https://*.shop.example", "https://shop.example.evil.example", false],
    ["https://*.shop.example", "https://evilshop.example", false],
    ["http://localhost:*", "http://localhost:5173", true],
    ["http://localhost:*", "http://localhost.evil.example:80", false],
    ["https://shop.example", "null", false],
  ])("%s names %s: %s", (pattern, origin, named) => {
    expect(siteOf([site(pattern)], origin) !== null).toBe(named);
  });

  it("lets the first line that names a site decide", () => {
    const list = [site("https://shop.example", { budgetTokens: 10 }), site("*")];
    expect(siteOf(list, "https://shop.example")?.budgetTokens).toBe(10);
    expect(siteOf(list, "https://other.example")?.budgetTokens).toBeNull();
  });

  it("allows models by name, or by how their address begins", () => {
    const some = site("*", { models: ["smollm2-135m-instruct", "https://models.example/*"] });
    expect(allowsModel(some, "smollm2-135m-instruct")).toBe(true);
    expect(allowsModel(some, "https://models.example/a.gguf")).toBe(true);
    expect(allowsModel(some, "https://models.example.evil.example/a.gguf")).toBe(false);
    expect(allowsModel(some, "smollm2-360m-instruct")).toBe(false);
  });

  it("becomes the directive that browsers enforce", () => {
    expect(frameAncestors([site("https://a.example"), site("https://*.b.example")])).toBe(
      "'self' https://a.example https://*.b.example",
    );
    expect(frameAncestors([])).toBe("'self'");
    expect(frameAncestors([site("https://a.example"), site("*")])).toBe("*");
  });
});
