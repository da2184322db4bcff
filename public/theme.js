// Sets the chosen theme before the first paint. Classic and blocking on purpose; web/lib/preferences.ts writes what is read here.
try {
  const { theme } = JSON.parse(localStorage.getItem("cria-preferences") ?? "{}");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // nothing readable is stored: the system's theme holds
}
