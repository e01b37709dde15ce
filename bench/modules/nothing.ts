/** An empty function: what a start costs that has nothing in it. */
export const handler = async () => ({ statusCode: 200 })
