/** What the server takes as an id. */
export const ids = /^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$/;
