// What the store's people and things are called; filled once from the data.
export const words = {};
export const speak = (known) => Object.assign(words, known);
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
