// How the widget looks, and when it covers the whole window.

// What the page in the frame takes over from its host.
export const properties = [
  "accent", "on-accent", "background", "surface", "text", "muted", "warning", "font", "radius",
  "density",
].map((name) => `--echochat-${name}`);

export const narrow = "(max-width: 30rem), (max-height: 26rem)";

export const widgetStyle = `
  :host {
    --accent: var(--echochat-accent, #0b6e5f);
    --on-accent: var(--echochat-on-accent, #fff);
    --background: var(--echochat-background, #fff);
    --text: var(--echochat-text, #17211f);
    position: fixed;
    inset-block-end: max(1rem, env(safe-area-inset-bottom));
    inset-inline-end: max(1rem, env(safe-area-inset-right));
    z-index: 2147483647;
    font: 1rem/1.25 var(--echochat-font, system-ui, sans-serif);
    color-scheme: light dark;
  }
  @media (prefers-color-scheme: dark) {
    :host {
      --accent: var(--echochat-accent, #5cc9b5);
      --on-accent: var(--echochat-on-accent, #06231d);
      --background: var(--echochat-background, #121716);
      --text: var(--echochat-text, #e7edeb);
    }
  }
  @media print { :host { display: none; } }
  aside { display: flex; flex-wrap: wrap; justify-content: end; gap: .5rem; }
  button {
    font: inherit;
    min-height: 2.75rem;
    padding: .5rem 1.125rem;
    border: 1px solid transparent;
    border-radius: var(--echochat-radius, 1rem);
    background: var(--accent);
    color: var(--on-accent);
    cursor: pointer;
  }
  aside > button { box-shadow: 0 .125rem .5rem #0006; }
  button:focus-visible {
    outline: 3px solid var(--accent);
    outline-offset: 2px;
    box-shadow: 0 0 0 2px var(--background);
  }
  dialog {
    position: fixed;
    inset: auto;
    inset-block-end: 4.75rem;
    inset-inline-end: 1rem;
    flex-direction: column;
    box-sizing: border-box;
    width: 25rem;
    height: 40rem;
    max-width: calc(100vw - 2rem);
    max-height: calc(100vh - 5.75rem);
    margin: 0;
    padding: 0;
    overflow: hidden;
    border: 1px solid #8886;
    border-radius: var(--echochat-radius, 1rem);
    background: var(--background);
    color: var(--text);
    box-shadow: 0 .25rem 1.5rem #0006;
  }
  dialog[open] { display: flex; }
  dialog > button {
    position: absolute;
    z-index: 1;
    inset-block-start: 0;
    inset-inline-end: .25rem;
    width: 2.75rem;
    padding: 0 0 .5rem;
    background: none;
    color: inherit;
  }
  dialog > a { margin: auto; padding: 1rem; color: var(--accent); }
  /* Its sign is beside the heading, in the frame, whose header may be lower than a thumb is wide. */
  @media (hover: hover) and (pointer: fine) { dialog > button { min-height: 2.25rem; padding: 0; } }
  @media (max-width: 30rem) and (min-height: 45rem) { dialog > button { min-height: 3.25rem; padding: 0; } }
  iframe { flex: 1; border: 0; min-height: 0; }
  @media ${narrow} {
    dialog {
      inset: 0;
      width: 100vw;
      height: 100vh;
      height: 100dvh;
      max-width: none;
      max-height: none;
      border: 0;
      border-radius: 0;
    }
  }`;
