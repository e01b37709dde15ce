/** A CDK app of somebody else: an API of its own, with and without Heliograph beside it. */
import { Heliograph } from '@heliograph/cdk'
import { App, CfnOutput, Stack } from 'aws-cdk-lib'
import { HttpApi, HttpMethod } from 'aws-cdk-lib/aws-apigatewayv2'
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'

/** An API that says hello. */
class Greeting extends Stack {
  constructor(app: App) {
    super(app, 'Greeting')
    const hello = new LambdaFunction(this, 'Hello', {
      runtime: Runtime.NODEJS_24_X,
      handler: 'index.handler',
      code: Code.fromInline(
        "exports.handler = async ({ rawPath }) => ({ statusCode: 200, body: 'hello ' + rawPath })",
      ),
    })
    const api = new HttpApi(this, 'Api')
    const integration = new HttpLambdaIntegration('Hello', hello)
    api.addRoutes({ path: '/{name}', methods: [HttpMethod.GET], integration })
  }
}

const [alone, together] = process.argv.slice(2)

const small = new App({ outdir: alone ?? 'alone.out' })
new Greeting(small)
small.synth()

const app = new App({ outdir: together ?? 'together.out' })
const greeting = new Greeting(app)
const push = new Heliograph(app, 'Push', {
  domain: 'push.example.com',
  certificateArn: 'arn:aws:acm:us-east-1:000000000000:certificate/4e6a-example',
  // no ACM is there to ask
  checkCertificate: false,
  removal: 'destroy',
  stageName: 'packed',
})
new CfnOutput(greeting, 'Activation', { value: push.activationUrl })
app.synth()
