// The caller's key where the server wants one: for this tab, or, if asked to, for this browser.

const NAME = "parley.key";

export function readKey(): string {
  return sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME) ?? "";
}

export function keepKey(key: string, remember: boolean): void {
  (remember ? localStorage : sessionStorage).setItem(NAME, key);
}

export function forgetKey(): void {
  sessionStorage.removeItem(NAME);
  localStorage.removeItem(NAME);
}
