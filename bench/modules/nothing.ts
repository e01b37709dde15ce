/** An empty function: what a start costs when there is nothing in it. */
export const handler = async () => ({ statusCode: 200 })
